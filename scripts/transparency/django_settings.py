"""Settings for Django's own tests: the private server that PGHOST names, and a runner that writes down each outcome.

The test databases are made from template1, so what is in there decides whether new tables are watched.
"""

import os
import unittest

from django.test.runner import DiscoverRunner

DATABASES = {
    alias: {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "NAME": name,
    }
    for alias, name in {"default": "django", "other": "django_other"}.items()
}
SECRET_KEY = "only for tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = "django_settings.Runner"


def written(outcome):
    """A method of TestResult that does what it always did, and writes the outcome into the file OUTCOMES names."""

    def method(self, test, *arguments):
        getattr(super(Result, self), outcome)(test, *arguments)
        # The last argument of addSubTest is the error, if any; its second to last is the part of the test.
        if outcome == "addSubTest":
            if arguments[1] is None:
                return
            test = arguments[0]
        with open(os.environ["OUTCOMES"], "a") as file:
            print(outcome.removeprefix("add"), test.id().replace("\n", " "), file=file)

    return method


class Result(unittest.TextTestResult):
    """Writes down each outcome, also those of the parallel processes."""


for outcome in ["Success", "Error", "Failure", "Skip", "ExpectedFailure", "UnexpectedSuccess", "SubTest"]:
    setattr(Result, f"add{outcome}", written(f"add{outcome}"))


class Runner(DiscoverRunner):
    """Django's runner with that result."""

    def get_resultclass(self):
        return Result
