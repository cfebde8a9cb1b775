const { Analytics } = require("@segment/analytics-node");

const analytics = new Analytics({
  writeKey: process.env.WRITE_KEY, // a server key
  host: process.env.ENDPOINT,
  flushAt: 10,
});

const userId = "user-1";
const context = { consent: { categoryPreferences: { marketing: false } } };
analytics.identify({ userId, traits: { email: "ann@example.org", firstName: "Ann" }, context });
for (let number = 0; number < 25; number++) {
  analytics.track({ userId, event: "Order Completed", properties: { revenue: number } });
}
analytics.page({ userId, name: "Home", properties: { path: "/" } });
analytics.screen({ userId, name: "Start" });
analytics.group({ userId, groupId: "group-1", traits: { name: "Acme" } });
analytics.alias({ userId, previousId: "before-1" });

analytics.closeAndFlush();
