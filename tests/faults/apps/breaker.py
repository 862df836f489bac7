"""A circuit breaker that is sound, and what each wrong one does in its place."""

import time

import httpx2
import openai

FAILURES = (openai.APIError, httpx2.HTTPError)


class CircuitOpen(Exception):
    """The provider is not asked for a while."""


class Breaker:
    opens_after, open_s = 3, 30.0
    closes_after = 1

    def __init__(self):
        self.failures = 0
        self.good_probes = 0
        self.open_until = None

    def call(self, ask):
        is_probe = self.open_until is not None
        if is_probe and self.is_too_early():
            raise CircuitOpen
        try:
            answer = ask()
        except FAILURES as error:
            self.failed(error, is_probe)
            raise
        self.went_well(is_probe)
        return answer

    def is_too_early(self):
        return time.monotonic() < self.open_until

    def failed(self, error, is_probe):
        self.failures += 1
        if is_probe or self.failures >= self.opens_after:
            self.open(self.pause_s(error))

    def open(self, pause_s):
        self.good_probes = 0
        self.open_until = time.monotonic() + pause_s

    def pause_s(self, error):
        response = getattr(error, "response", None)
        told = 0 if response is None else response.headers.get("retry-after", 0)
        return max(self.open_s, float(told))

    def went_well(self, is_probe):
        self.good_probes += is_probe
        if not is_probe or self.good_probes >= self.closes_after:
            self.failures = 0
            self.open_until = None


class TwoProbes(Breaker):
    closes_after = 2


class NeverOpens(Breaker):
    def open(self, pause_s):
        pass


class OpensTooEarly(Breaker):
    def failed(self, error, is_probe):
        self.failures += 1
        super().failed(error, is_probe)


class CountsOldFailures(Breaker):
    def went_well(self, is_probe):
        failures = self.failures
        super().went_well(is_probe)
        self.failures = failures


class AsksTooSoon(Breaker):
    open_s = 18.0


class IgnoresRetryAfter(Breaker):
    def pause_s(self, error):
        return self.open_s


class NeverAsksAgain(Breaker):
    def is_too_early(self):
        return True


class WaitsLongerEachTime(Breaker):
    def open(self, pause_s):
        self.opened = getattr(self, "opened", 0) + 1
        super().open(pause_s * 2**self.opened)


class StaysHalfOpen(Breaker):
    def failed(self, error, is_probe):
        if not is_probe:
            super().failed(error, is_probe)


class DoesNotRecover(Breaker):
    def went_well(self, is_probe):
        if is_probe:
            self.open(self.open_s)
        else:
            super().went_well(is_probe)


class Storms(Breaker):
    def call(self, ask):
        return super().call(lambda: self.stubborn(ask))

    def stubborn(self, ask):
        for _ in range(4):
            try:
                return ask()
            except FAILURES as error:
                last = error
        raise last


SOUND = {"Breaker": 1, "TwoProbes": 2}
WRONG = {
    "NeverOpens": "does not open",
    "OpensTooEarly": "opens too early",
    "CountsOldFailures": "opens too early",
    "AsksTooSoon": "asks while open",
    "IgnoresRetryAfter": "ignores retry-after",
    "NeverAsksAgain": "never asks again",
    "WaitsLongerEachTime": "never asks again",
    "StaysHalfOpen": "stays half-open",
    "DoesNotRecover": "does not recover",
    "Storms": "retry storm",
}
