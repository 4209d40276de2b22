"""Names that mean another array on one way of a branch: right programs, and those in which memory is shared."""

import numpy as np


def another_on_one_way(x):
    y = x
    if x[0] < 0:
        y = -y
    if x[0] < 0:
        y = -y
    return y


def another_by_an_expression(x):
    return 1 * x if x[0] > 0 else x / 1


def of_a_helper(x):
    return given(given(x, x[0]), x[1])


RIGHT = (another_on_one_way, another_by_an_expression, of_a_helper)


def given(y, c):
    if c < 0:
        y = 1 * y
    return y


def alias_written(x):
    y = x.copy()
    z = y
    if x[0] < 0:
        y = 1 * y
    z[1] = 0
    return y


def view_written(x):
    q = x.copy()
    z, y = q[1:], q
    if x[0] < 0:
        y = 1 * y
    z[1] = 0
    return y


def joined_written(x):
    y = q = x.copy()
    if x[0] < 0:
        y = 1 * y
    y[1] = 0
    return q


def changed_in_place(x):
    y = q = x.copy()
    if x[0] < 0:
        y = 1 * y
    y *= 2
    return q


def through_a_helper(x):
    q = x.copy()
    w = given(q, x[0])
    q[2] = 0
    return w


def held_by_a_list(x):
    q = x.copy()
    listed, y = [q], q
    if x[0] < 0:
        y = 1 * y
    listed[0][1] = 0
    return y


def in_an_outer_branch(x):
    y = q = x.copy()
    if x[1] < 0:
        q[0] = 0
        if x[0] < 0:
            y = 1 * y
    return y


def in_a_later_branch(x):
    y = q = x.copy()
    y = 1 * y if x[0] < 0 else y
    if x[1] < 0:
        q[0] = 0
    return y


def filled(x):
    y = q = x.copy()
    if x[0] < 0:
        y = 1 * y
    y.fill(0)
    return q


def given_as_out(x):
    y = q = x.copy()
    if x[0] < 0:
        y = 1 * y
    np.multiply(y, 2, out=y)
    return q


def view_of_another_shape(x):
    q = x.copy()
    r, y = q.reshape(1, len(x)), q
    y = 1 * y if x[0] < 0 else y
    r[0] = 0
    return y


def view_backwards(x):
    q = x.copy()
    r, y = q[::-1], q
    y = 1 * y if x[0] < 0 else y
    r += 1
    return y


def added_at(x):
    y = q = x.copy()
    y = 1 * y if x[0] < 0 else y
    np.add.at(q, [0], 1)
    return y


WRONG = (
    alias_written, view_written, joined_written, changed_in_place, through_a_helper, held_by_a_list, in_an_outer_branch,
    in_a_later_branch, filled, given_as_out, view_of_another_shape, view_backwards, added_at,
)  # fmt: skip
"""The identity, but for a number that is written where another name leads to the same memory."""
