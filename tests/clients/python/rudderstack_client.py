"""RudderStack's Python client, unmodified: docs/clients.md shows it, and the tests run it."""

import os

from rudderstack.analytics.client import Client

client = Client(
    os.environ["WRITE_KEY"],  # a server key
    host=os.environ["ENDPOINT"],
    gzip=True,
    upload_size=10,
)

context = {"consentManagement": {"deniedConsentIds": ["marketing"], "provider": "custom"}}
client.identify("user-1", {"email": "ann@example.org", "firstName": "Ann"}, context)
for number in range(25):
    client.track("user-1", "Order Completed", {"revenue": number})
client.page("user-1", name="Home", properties={"path": "/"})
client.screen("user-1", name="Start")
client.group("user-1", "group-1", {"name": "Acme"})
client.alias("before-1", "user-1")

client.shutdown()
