"""`python hack/demo`: weather 1 serves, 2 is promoted, 3 is rejected, and users are counted all the while.

A cluster with Serin, Prometheus and the images is there (`make demo` sees to that); KUBECONFIG names it.
"""

import argparse
import sys
import time

from serin_demo.kubectl import Kubectl, KubectlError
from serin_demo.screen import Screen
from serin_demo.story import Settings, Story, tell_and_judge


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description="A good model promoted, a broken one rejected.")
    parser.add_argument("--namespace", default="serin-demo", help="made if missing (default: %(default)s)")
    parser.add_argument("--image", default="serin/operator:dev", help="of the load generator (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=100.0, help="requests per second (default: %(default)s)")
    parser.add_argument("--kubectl", default="kubectl", help="the program (default: %(default)s)")
    arguments = parser.parse_args()
    screen = Screen()
    kubectl = Kubectl(arguments.namespace, arguments.kubectl)
    try:
        return tell_and_judge(Story(kubectl, screen, time, Settings(arguments.image, arguments.rate)), screen)
    except KubectlError as error:
        screen.say(f"\nThe demo stopped: {error}\nIs the cluster up, and are the CRDs applied? `make demo` does both.")
        return 1
    except KeyboardInterrupt:
        screen.say("\nStopped; everything stays as it is. `make demo-down` removes it.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
