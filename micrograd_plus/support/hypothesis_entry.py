"""What Hypothesis calls when it is imported: it tells it of our types, where these are loaded,
and loads nothing itself.
"""

import sys


def register() -> None:
    """Register the strategies of `micrograd_plus.testing` if that is loaded;
    else it does so when it is.
    """
    testing = sys.modules.get("micrograd_plus.testing")
    if testing is not None:
        testing.register()
        testing.register_profiles()
