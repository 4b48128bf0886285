"""The tests. A package by name, since a referee (garmin-fit-sdk) installs a package of that name too."""
