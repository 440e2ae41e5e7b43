"""What a field of a plan cannot mean with a strategy: refused with a sentence.

What is left out has its default, so a default says nothing: only another value asks for something.
"""

from serin.api.v1alpha1.defaults import is_default
from serin.api.v1alpha1.shared import Rule, Schema

_UNCOMPARED = "self.strategy in ['BlueGreen', 'RollingUpdate', 'Recreate']"


def make_strategy_rules(analysis: Schema) -> tuple[Rule, ...]:
    """Rules of the Plan; `analysis` is its default."""
    compares_nothing = "self.strategy in ['RollingUpdate', 'Recreate'] || !self.baseline"
    return (
        Rule(
            f"!({_UNCOMPARED}) || !(has(self.ramp) || (has(self.steps) && self.steps.size() > 0))",
            "ramp and steps go with strategy Canary: this one sends no rising share of the requests by evidence",
        ),
        Rule(
            f"!({_UNCOMPARED}) || self.onInconclusive == 'Pause'",
            "onInconclusive goes with a comparison before the promotion: this strategy has none",
        ),
        Rule(
            "self.strategy == 'BlueGreen' || self.baseline",
            "baseline: false goes with strategy BlueGreen: a canary is compared with one, the others have none",
        ),
        Rule(
            "!(self.strategy in ['RollingUpdate', 'Recreate']) || self.bake in ['10m', '0s']",
            "bake needs old pods to return to: strategies RollingUpdate and Recreate have none left, say 0s or nothing",
        ),
        Rule(
            f"!({compares_nothing}) || ({is_default('self.analysis', analysis)})",
            "analysis goes with a baseline: nothing is compared here",
        ),
        Rule(
            "self.strategy != 'BlueGreen' || (self.analysis.minDuration == '5m' && self.analysis.maxDuration == '30m'"
            " && self.analysis.falsePromote == 0.05)",
            "analysis.minDuration, maxDuration and falsePromote go with a comparison before the promotion: BlueGreen's"
            " bake only looks for harm, and lasts as long as bake says",
        ),
        Rule(
            "self.strategy != 'Recreate' || (type(self.size) == int && int(self.size) == 1)",
            "size goes with the other strategies: Recreate replaces all pods",
        ),
        Rule(
            "self.baseline || (type(self.size) == int && int(self.size) == 1)",
            "size is that of the baseline with strategy BlueGreen, and baseline is false",
        ),
    )
