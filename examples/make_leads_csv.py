"""Writes examples/leads.csv: 240 rows as sales teams have them, with what goes wrong in such files.

Run it from anywhere: python examples/make_leads_csv.py
"""

import csv
import random
from pathlib import Path

GIVEN = [
    "Zoë",
    "Łukasz",
    "Mónica",
    "Søren",
    "Anaïs",
    "Jürgen",
    "Chloé",
    "Noah",
    "Aiko",
    "Ömer",
    "Priya",
    "Élodie",
]
FAMILY = [
    "Müller",
    "O'Neill",
    "García-Ruiz",
    "Nowak",
    "d'Arcy",
    "Ångström",
    "Öztürk",
    "Park",
    "Nguyễn",
    "Costa",
]
COMPANIES = [
    ("Blue Harbour, Ltd.", "blueharbour.example.com"),
    ("Café Solaire", "solaire.example.org"),
    ('The "Quick" Press', "quickpress.example.net"),
    ("Nordlicht GmbH & Co. KG", "nordlicht.example.com"),
    ("株式会社みらい", "mirai.example.org"),
    ("Ponte Nova S.A.", "pontenova.example.net"),
]
TITLES = ["Head of Sales", "CTO", "Founder; CEO", "VP, Marketing", "Buyer"]
LINES = ["Saw your talk on\nasync queues", 'You wrote: "ship it"', "Bonjour, ça va ?", "", "Loved the blog"]
BROKEN = [
    "no-at-sign.example.com",
    "two@@example.com",
    "trailing.dot.@example.com",
    "name@nodot",
    "",
    "sp ace@example.com",
]


def rows(seed: int = 20, count: int = 240) -> list[list[str]]:
    """The rows, the same ones for the same seed."""
    chance = random.Random(seed)
    made: list[list[str]] = []
    for number in range(count):
        company, domain = chance.choice(COMPANIES)
        email = f"lead.{number:03}@{domain}"
        if number % 40 == 17:
            email = BROKEN[number // 40 % len(BROKEN)]
        elif number % 50 == 33:
            email = made[number - 20][0].upper()  # the same person again, spelled otherwise
        made.append(
            [email, chance.choice(GIVEN), chance.choice(FAMILY), company, chance.choice(TITLES),
             chance.choice(LINES), str(chance.randrange(5, 5000)), chance.choice(["Q1", "Q2", "Q3"])]
        )  # fmt: skip
    return made


if __name__ == "__main__":
    with Path(__file__).with_name("leads.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "Email",
                "First Name",
                "Last Name",
                "Company",
                "Job Title",
                "icebreaker",
                "Company size",
                "quarter",
            ]
        )
        writer.writerows(rows())
