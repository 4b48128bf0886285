"""What Alembic runs for an upgrade: all steps in the transaction that is open on the connection given."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
