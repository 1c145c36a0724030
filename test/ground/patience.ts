/** How long something that must come is waited for: a machine with twice its load is slow, and nobody waits where it came. */
export const patienceMs = 120_000;
