"""What tells rows that say the same to the same number."""

from hashlib import blake2b


def digest(number: str, parameters: str) -> bytes:
    """8 bytes that are the same for rows that say the same to the same number."""
    return blake2b(f"{number}\0{parameters}".encode(), digest_size=8).digest()
