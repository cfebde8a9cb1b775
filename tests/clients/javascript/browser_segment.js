import { AnalyticsBrowser } from "@segment/analytics-next";

const { ENDPOINT, WRITE_KEY, STRATEGY } = window;

const analytics = AnalyticsBrowser.load(
  { writeKey: WRITE_KEY, cdnURL: ENDPOINT }, // a public key
  { integrations: { "Segment.io": { deliveryStrategy: STRATEGY } } },
);

const consent = { consent: { categoryPreferences: { marketing: false } } };
analytics.page("Home");
analytics.identify("user-1", { email: "ann@example.org", firstName: "Ann" }, { context: consent });
for (let number = 0; number < 25; number++) {
  analytics.track("Order Completed", { revenue: number });
}
analytics.screen("Start");
analytics.group("group-1", { name: "Acme" });
analytics.alias("user-1", "before-1");
