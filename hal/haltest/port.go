package haltest

import "math/rand/v2"

// Port draws a port for a server of a test, free or not. It is none of those that the
// kernel gives to clients (ip_local_port_range begins at 32768): such a one could be taken
// before the server has it, or while it is away.
func Port() int {
	const lowest, highest = 10_000, 32_000
	return lowest + rand.IntN(highest-lowest)
}
