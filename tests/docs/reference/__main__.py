"""Write the reference's tables from the code: `make reference`."""

import django

if __name__ == "__main__":
    django.setup()

    from tests.docs.reference.tables import write

    for page in write():
        print(f"{page.name} has new tables.")
