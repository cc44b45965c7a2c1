from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("offload_effects", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="effect",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, db_index=True),
        ),
    ]
