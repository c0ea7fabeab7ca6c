"""Columns of values as columns of CSV fields."""


def quoted(text):
    """In quotes where CSV (RFC 4180) asks for them."""
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n\r') else text


def fixed(numbers, digits):
    form = f"%.{digits}f"
    return [form % number for number in numbers.tolist()]


def whole(numbers):
    return list(map(str, numbers.tolist()))


def blanked(fields, missing):
    return ["" if gone else field for field, gone in zip(fields, missing.tolist())]
