"""How an identity comes to its certificate (ISO/IEC 27071 B.3): by whom it is issued, when, and on what proof."""

INTERNAL, MANUFACTURER, THIRD_PARTY, DEPLOYMENT = WAYS = ("internal", "manufacturer", "third-party", "deployment")
"""By an authority inside the manufacturer of the device, by the manufacturer of the module, by an independent authority
on a request, and below the root of trust of a platform when a service is deployed."""
