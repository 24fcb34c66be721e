"""Put the stand-in for the solver into every process of a test that starts some."""

import solve_stand_in

solve_stand_in.install()
