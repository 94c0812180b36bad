"""What can go wrong while something is kept, each error written to the person who asked."""


class StorageError(Exception):
    """Something could not be kept or read; the text may be shown to anyone."""


class DataDirectoryError(StorageError):
    """The data directory cannot be used; the text names the reason and a remedy."""


class InUseError(StorageError):
    """Another Fairbrush uses this data directory."""


class DiskFullError(StorageError):
    """The disk is full: nothing was written. Free some space and try again."""


class DatabaseLockedError(StorageError):
    """Another program holds the database. Nothing was written; try again in a moment."""


class DamagedError(StorageError):
    """The database is damaged; the text says what to do."""
