"""What the benchmark measures besides cases and pools: each figure once, with its title, its unit and its goal."""

from typing import NamedTuple

MIB, KIB = 1 << 20, 1 << 10


class Goal(NamedTuple):
    group: str
    title: str
    unit: str
    most: float = None   # at most; neither: the figure is told
    least: float = None  # at least

    def met(self, value):
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def required(self):
        """The goal as people read it; "" when there is none."""
        if self.most is None and self.least is None:
            return ""
        return f"≤ {show(self.most, self.unit)}" if self.least is None else f"≥ {show(self.least, self.unit)}"


UNITS = {
    "MiB": lambda v: f"{v / MIB:.1f} MiB",
    "KiB": lambda v: f"{v / KIB:.1f} KiB",
    "ms": lambda v: f"{v:.2f} ms",
    "s": lambda v: f"{v:.1f} s",
    "": lambda v: f"{v:,.0f}",
    "/s": lambda v: f"{v:,.0f}/s",
    "%": lambda v: f"{100 * v:.0f} %",
}


def show(value, unit):
    return UNITS[unit](value)


GROUPS = {
    "start": "Memory and start-up",
    "streams": "Open streams of events: 10,000 on two workers, an event a second each",
    "overload": "Overload: 512 connections, 20 ms of computing a request, 4 workers",
    "reload": "Reload under load: 20 reloads and 5 upgrades in a minute, through nginx as shipped",
    "soak": "Soak",
}

GOALS = {
    "idle_worker_bytes": Goal("start", "Idle worker, resident", "MiB", most=16 * MIB),
    "idle_worker_postgresql_bytes": Goal("start", "Idle worker, resident, with PostgreSQL", "MiB", most=16 * MIB),
    "replacement_ms": Goal("start", "A killed worker's replacement serves, with PostgreSQL", "ms", most=100),
    "parked_request_bytes": Goal("start", "A request parked in sleep, of 5,000 in one worker", "KiB", most=32 * KIB),
    "fast_beside_parked_ms": Goal("start", "A fast request beside them", "ms", most=50),
    "cgi_beyond_start_ms": Goal("start", "CGI request with SQLite, beyond the process start", "ms", most=15),

    "stream_bytes": Goal("streams", "A stream, resident in its worker", "KiB", most=32 * KIB),
    "stream_lost": Goal("streams", "Streams refused or broken off", "", most=0),
    "stream_events": Goal("streams", "Events that arrived", "/s"),
    "stream_on_time": Goal("streams", "Of those that were due", "%", least=0.95),
    "stream_cpu": Goal("streams", "Processor time of both workers, of one core", "%"),
    "stream_get_ms": Goal("streams", "GET beside them, 99th percentile", "ms", most=20),
    "stream_nginx_lost": Goal("streams", "Of 1,000 through nginx, refused or broken off", "", most=0),
    "stream_nginx_get_ms": Goal("streams", "GET through nginx beside those, 99th percentile", "ms", most=20),

    "overload_good": Goal("overload", "Banyan: good answers within 1 s", "/s"),
    "overload_in_time": Goal("overload", "Banyan: answers, good or refusal, within 1.5 s", "%", least=0.99),
    "overload_problems": Goal("overload", "Banyan: refusals that are 503 as a problem document, with Retry-After", "%", least=1),
    "overload_php_good": Goal("overload", "PHP-FPM: good answers within 1 s", "/s"),
    "overload_php_in_time": Goal("overload", "PHP-FPM: answers of any kind within 1.5 s", "%"),
    "overload_php_problems": Goal("overload", "PHP-FPM: answers that are 502 or 504 of nginx", "%"),
    "overload_ratio": Goal("overload", "Banyan's good answers within 1 s, of PHP-FPM's", "%", least=1),

    "reload_requests": Goal("reload", "Requests", ""),
    "reload_failed": Goal("reload", "Of those, failed", "", most=0),
    "reload_generations": Goal("reload", "Generations that took over", "", least=25),
    "reload_p99_ms": Goal("reload", "99th percentile", "ms"),
    "reload_p99_before_ms": Goal("reload", "99th percentile of the same load without", "ms"),

    "kills_workers": Goal("soak", "Workers killed at random, in a minute of load", ""),
    "kills_answers": Goal("soak", "Answers in it", ""),
    "kills_lost": Goal("soak", "Requests lost in it, each on a killed worker", ""),
    "kills_failed": Goal("soak", "Answers in it other than 200", "", most=0),
    "replaced_answers": Goal("soak", "Answers of 16 workers that are each replaced after 500 requests", "", least=1_000_000),
    "replaced_workers": Goal("soak", "Workers that gave them", "", least=1000),
    "replaced_lost": Goal("soak", "Requests lost", "", most=0),
    "replaced_seconds": Goal("soak", "In", "s"),
}


def judged(values):
    """{name: value} as results: each with its goal."""
    return {name: {"value": value, "most": GOALS[name].most, "least": GOALS[name].least} for name, value in values.items()}


def missed(figures):
    return [f"{name}: {got['value']}, required {GOALS[name].required()}" for name, got in figures.items()
            if not GOALS[name].met(got["value"])]
