import { RudderAnalytics } from "@rudderstack/analytics-js/bundled";

const { ENDPOINT, WRITE_KEY, STRATEGY } = window;

const analytics = new RudderAnalytics();
analytics.load(WRITE_KEY, ENDPOINT, {
  configUrl: ENDPOINT,
  consentManagement: { enabled: true, provider: "custom", deniedConsentIds: ["marketing"] },
  ...STRATEGY,
});

analytics.page("Home");
analytics.identify("user-1", { email: "ann@example.org", firstName: "Ann" });
for (let number = 0; number < 25; number++) {
  analytics.track("Order Completed", { revenue: number });
}
analytics.group("group-1", { name: "Acme" });
analytics.alias("user-1", "before-1");
