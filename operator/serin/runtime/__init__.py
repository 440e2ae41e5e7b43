"""When and how often: queue, cache, observation, executor. Generic over its ports, knows no vendor."""
