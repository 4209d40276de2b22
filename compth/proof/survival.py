"""What a hypothesis has to be in order to hold at every step of a run: an evaluation of a function moves as a whole,
and what is known of the moving state has to hold after the step.

Kinds of hypotheses: about functions (they hold at every point, so also at the next), about draws and messages (new at
every step), about fixed vectors, and about numbers of the state. Only the last need an argument, which is looked for
in what the statement itself shows. A schema that is not named here is of the first two kinds.
"""

from __future__ import annotations

import ast
from functools import reduce

from . import kernel
from .kernel import Poly, add, constant, multiply, parts, require
from .roles import Data, Roles, atoms


class Survival:
    """The moves of a run against the roles of its statement.

    The kernel lifts one step to k steps on the assumption that every hypothesis holds at each of them. Here that is
    made sure of, schema by schema; Refused names the hypothesis that need not hold after a step.
    """

    def __init__(self, roles: Roles) -> None:
        self.roles, self.theory, self.calls = roles, roles.theory, roles.calls
        self.points, self.gradients, self.messages = roles.points, roles.gradients, roles.messages

    def survive(self, run: Data) -> None:
        """After a step every hypothesis holds again.

        Schemas of functions hold at every point: an evaluation moves as a whole. Draws and messages are new at every
        step. What else is known of the moving state has to be shown after the step.
        """
        theory = self.theory
        moves = {name: kernel.read(text, theory.env) for name, text in run["next"].items()}
        still, moving = set(run["fixed"].split()), set(moves)
        # A message of this step says nothing of the next: it cannot be part of the state, nor be fixed.
        fresh = self.messages & (still | moving)
        require(not fresh, f"{sorted(fresh)}: a message is new at every step")
        # f(x), grad f(x) and x belong together: where x goes, f and g have to be those at the new x.
        for name, place in self.points.items():
            left = name in still and {a for _, _, a in parts(place)} & moving
            require(not left, f"{name} is fixed, its point moves")
            if name in moving:
                self._moved(name, moves, moving | still)
        for text, schema, args in self.calls:
            found = [atoms(theory, a) for a in args]
            match schema:
                # A number of the state that is bounded below has to be bounded below again: shown for what
                # it becomes.
                case "floor" if found[0] & moving:
                    after = kernel.Expand(moves).visit(kernel.read(text, theory.env).args[0])
                    shown = theory.leaf(add(theory.scalar(after), theory.scalar(args[1]), -1))
                    require(shown > 0, f"{text!r:.80} was not shown after the step")
                # These hold for fixed vectors (gradients at a minimiser), or for gradients at any point; of
                # a moving vector nobody says so.
                case "zero" | "dissimilar" if schema == "zero" or not found[0] & self.gradients:
                    require(not found[0] & moving, f"{text!r:.80} need not hold after the step")
                case "growth":
                    # growth bounds what is drawn in this step; a vector of the state that it bounded would
                    # have to obey it again.
                    old, new = found[0] & moving - self.gradients, found[0] - still
                    require(
                        bool(new) and not old,
                        f"{text!r:.80}: {sorted(old)} is of the state, and need not grow so",
                    )
                    self._grown(text, args, found, moves)
                case "least" | "polyak":
                    require(not found[1] & moving, f"{text!r:.80}: a least value does not move")

    def _grown(
        self, text: str, args: list[ast.expr], found: list[set[str]], moves: dict[str, ast.expr]
    ) -> None:
        """Values move with their points, a number of the state to one that grows.

        A bound by the state's own vectors is that of a uniform component J: the family's mean, its square no larger.
        """
        theory = self.theory
        lost = (found[2] | found[3]) & set(moves) - set(self.points)
        require(not lost, f"{text!r:.80}: {sorted(lost)} moves without a point")
        # A number k of the state that bounds something goes to one that in its turn bounds the next:
        # `growth(kp, ...)`.
        grown = {getattr(a[0], "id", "") for _, s, a in self.calls if s == "growth"} - {""}
        name = getattr(args[1], "id", "")
        require(
            name not in moves or getattr(moves[name], "id", "") in grown,
            f"{text!r:.80}: {name} moves otherwise",
        )
        if not name and kernel.names_in(args[1]) & set(moves) - self.gradients:
            # J is one of the v_i, uniformly: E|J|^2 <= mean|v_i|^2, and E J = mean v_i. The second is
            # checked here.
            [drawn], [whole] = (getattr(a, "args", [None]) for a in args[:2])
            law = getattr(drawn, "id", "") in theory.draws and whole is not None
            law = law and [theory.scalar(a) for a in args[4:]] == [constant(1), constant(0), constant(0)]
            require(law, f"{text!r:.80}: bounded by the state, and no uniform component")
            mean = self.roles.averaged(theory.applied(("P",), theory.value(whole, {1})))
            gap = add(self.roles.averaged(theory.value(drawn, {1})), mean, -1)
            require(not theory.inner(gap, gap), f"{text!r:.80}: the mean is not the family's")

    def _moved(self, name: str, moves: dict[str, ast.expr], known: set[str]) -> None:
        """A value or gradient goes where its point goes; where that is chosen anew, a value to a mixture of values."""
        theory, place = self.theory, self.points[name]
        if {a for _, _, a in parts(place)} <= known:
            # The point after the step, as the moves say, against the point of what the value or gradient
            # moves to.
            target, gone = getattr(moves[name], "id", ""), constant(0)
            for c, word, atom in parts(place):
                after = theory.value(moves[atom], {1}) if atom in moves else kernel.symbol("|" + atom)
                gone = add(gone, multiply(c, theory.applied(word, after)))
            require(self.points.get(target) == gone, f"{name} does not move to where its point goes")
            return
        require(name not in self.gradients, f"{name} moves, its point does not")
        # Where the point itself is drawn anew (a coin between two points), f there is in the mean the same
        # mixture of values: nonnegative shares of sum 1.
        shares: dict[str, Poly] = {}
        for m, factor in theory.scalar(moves[name]).items():
            [value] = [n for (n, _), e in m if n in self.points and e == 1]
            rest = {tuple(f for f in m if f[0][0] != value): factor}
            shares[value] = add(shares.get(value, constant(0)), rest)
        total = add(reduce(add, shares.values(), constant(0)), constant(1), -1)
        mixed = not theory.cleared(total) and all(theory.leaf(share) for share in shares.values())
        require(mixed, f"{name} moves to no value of its function, nor to a mixture of them")
