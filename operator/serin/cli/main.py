"""`kubectl serin`: kubectl runs any program named kubectl-serin that is on the path."""

import click

from serin.cli.judge import judge


@click.group(name="kubectl serin", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="serin", prog_name="kubectl serin")
def main() -> None:
    """Serin rolls out machine-learning models and lets traffic decide."""


main.add_command(judge)


if __name__ == "__main__":
    main(prog_name="kubectl serin")
