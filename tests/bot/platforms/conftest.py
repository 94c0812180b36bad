"""What do the suites need that several platforms share?"""

import pytest

# Their asserts explain themselves as those of tests do.
pytest.register_assert_rewrite("tests.bot.platforms.contract", "tests.bot.platforms.conversation")
