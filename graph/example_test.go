package graph_test

import (
	"fmt"
	"log"

	"github.com/sluice-ml/sluice/graph"
)

// A policy that is one table: a row of logits for each value of the only register. Variance of the log-ratio is the loss.
func ExampleBuilder() {
	b := graph.NewBuilder(graph.Shape{Ints: 1, Active: 1, Features: 4, Actions: 2, Stop: 1, Back: 1, Steps: 4, Values: 4})
	table := b.Param("table", "policy", graph.Init{}, 4, 2)
	bias := b.Param("bias", "policy", graph.Init{}, 2)
	logits := b.Gather(table, bias)
	c := b.Sub(b.Data(graph.LogR), b.SumT(b.LogPF(logits)))
	loss := b.Variance(c)
	if err := b.Err(); err != nil {
		log.Fatal(err)
	}
	plan, err := b.Lower(graph.Want{Policy: logits, Loss: loss, Outputs: []graph.Named{{Name: "c", Node: c}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(plan)
	// Output:
	// params   32 floats
	//   table  [4 2]  at 0   group policy
	//   bias   [2]    at 16  group policy
	// step
	//   gather            4x2  rows  saved@0:2  = table, bias
	//   sample            2    rows  -          = saved@0:2
	//   log_prob forward  2    rows  kept@0:1   = saved@0:2
	// close
	//   sum_t          1  rows   traj@0:1    = kept@0:1
	//   sub            1  trajs  traj@1:1    = log_r, traj@0:1
	//   variance       1  trajs  scalar@0:1  = traj@1:1
	//   const          1  batch  scalar@1:1  = 1
	//   variance_back  1  trajs  traj@2:1    = traj@1:1, scalar@1:1
	//   scale          1  trajs  traj@3:1    = -1, traj@2:1
	//   spread_t       1  rows   kept@1:1    = traj@3:1
	// backward
	//   log_prob_back forward  2    rows   scratch@0:2      = kept@1:1, saved@0:2
	//   gather_grad            4x2  param  d table, d bias  += scratch@0:2
	// output    c = traj@1:1
	// loss      scalar@0:1
	// a row     56 bytes: data 40, kept 8, saved 8
	// a block   2 scratch columns of 256 rows
	// a batch   4 floats a trajectory, 2 scalars
	// a lane    32 gradient floats
}
