from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("django_offload", "0003_view_message_body")]

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
                    ("pause_schedule", "Can pause schedule"),
                    ("resume_schedule", "Can resume schedule"),
                    ("run_schedule", "Can run schedule now"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    ]
