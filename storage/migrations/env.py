"""What does alembic run: the migrations, on the connection it is handed."""

from alembic import context

from storage.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
