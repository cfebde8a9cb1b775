"""What browser and mobile libraries fetch before they send: where to, and that nothing else is done.

Both are public, for the key stands in their address. No destination is loaded into a page
from here, and no library reports about itself.
"""

from urllib.parse import urlsplit

from api.http.auth.write_keys import WriteKey
from cdp.kernel.json_values import JsonObject


def segment(text: str, key: WriteKey, public_url: str) -> JsonObject:
    """The settings of Segment's libraries, for the key whose text is `text`."""
    everything: JsonObject = {"__default": {"enabled": True, "integrations": {}}}
    public = urlsplit(public_url)
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": text,
                "apiHost": f"{public.netloc}{public.path.rstrip('/')}/v1",
                "protocol": public.scheme,
                "type": key.kind.value,
            }
        },
        "plan": {"track": everything, "identify": everything, "group": everything},
        "edgeFunction": {},
        "legacyVideoPluginsEnabled": False,
        "metrics": {"sampleRate": 0},
        "remotePlugins": [],
    }


def rudderstack(text: str, key: WriteKey) -> JsonObject:
    """The source configuration of RudderStack's libraries, for the key whose text is `text`."""
    silent = {"enabled": False}
    return {
        "source": {
            "id": str(key.source),
            "workspaceId": str(key.workspace),
            "writeKey": text,
            "enabled": True,
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "destinations": [],
        }
    }
