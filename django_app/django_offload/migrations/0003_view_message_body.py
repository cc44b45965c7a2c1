from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("django_offload", "0002_board_permissions")]

    operations = [
        migrations.AlterModelOptions(
            name="task",
            options={
                "verbose_name": "task",
                "permissions": (
                    ("cancel_task", "Can cancel task"),
                    ("retry_task", "Can retry failed task"),
                    ("redrive_task", "Can redrive dead letter"),
                    ("discard_task", "Can discard failed task"),
                    ("view_message_body", "Can view the body of an unreadable message"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    ]
