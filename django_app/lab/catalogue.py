"""What the shop sells, and where: the fixed data behind the generated orders."""

REGIONS = {"North": 26, "South": 19, "East": 14, "West": 22, "Islands": 6, "Overseas": 13}

# By category: product, price in cents, weight in sales.
PRODUCTS: dict[str, list[tuple[str, int, int]]] = {
    "Coffee": [
        ("Espresso beans", 1290, 30),
        ("Filter roast", 1150, 24),
        ("Decaf beans", 1340, 9),
        ("Cold brew concentrate", 890, 14),
    ],
    "Tea": [
        ("Earl Grey", 640, 18),
        ("Sencha", 980, 12),
        ("Rooibos", 590, 11),
        ("Chai blend", 720, 13),
    ],
    "Brewing": [
        ("Hand grinder", 6900, 6),
        ("Pour-over set", 4450, 8),
        ("French press", 3290, 9),
        ("Moka pot", 3890, 7),
        ("Paper filters", 450, 28),
        ("Kitchen scale", 2990, 6),
    ],
    "Cups": [
        ("Espresso cup", 790, 15),
        ("Travel mug", 2490, 11),
        ("Tea bowl", 1690, 7),
        ("Glass carafe", 2790, 5),
    ],
    "Pantry": [
        ("Oat milk", 290, 33),
        ("Cane sugar", 340, 16),
        ("Dark chocolate", 480, 21),
        ("Almond biscuits", 560, 17),
        ("Vanilla syrup", 830, 10),
        ("Honey", 920, 8),
    ],
}

# Weights from January to December. People buy presents in winter, and little in summer.
SEASON = (88, 84, 92, 95, 97, 86, 74, 78, 96, 108, 139, 163)
FIRST_YEAR = 2023
YEARS = 3
GROWTH_PER_YEAR = 1.18
CUSTOMERS = 40_000
