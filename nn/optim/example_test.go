package optim_test

import (
	"encoding/json"
	"fmt"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn/optim"
)

// One step of Adam on the host: the rates of iteration 0 and the bias corrections of step 1. What is left behind is the state.
func ExampleAdam() {
	adam := optim.Adam{Rates: map[string]optim.Schedule{optim.Policy: optim.Linear(.01, .001, 1000)}}
	var state optim.State
	s := adam.Scalars(graph.Scalars{}, []string{optim.Policy, optim.LogZ}, &state)
	fmt.Println(s.Rates, s.C1)
	wire, err := json.Marshal(state)
	fmt.Println(string(wire), err)
	// Output:
	// [0.01 1] 10
	// {"step":1,"beta1_power":0.9,"beta2_power":0.999} <nil>
}
