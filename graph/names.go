package graph

import "fmt"

// This file is how Plans spell what they hold.

var opNames = [...]string{
	OpGather: "gather", OpLinear: "linear", OpAct: "act", OpSample: "sample", OpLogProb: "log_prob",
	OpLogProbBack: "log_prob_back", OpLinearBack: "linear_back", OpLinearGrad: "linear_grad", OpGatherGrad: "gather_grad",
	OpActBack: "act_back", OpAdd: "add", OpSub: "sub", OpMul: "mul", OpScale: "scale", OpSquare: "square", OpConst: "const",
	OpSumT: "sum_t", OpSpreadT: "spread_t", OpSpread: "spread", OpSum: "sum", OpMean: "mean", OpMeanBack: "mean_back",
	OpDivSteps: "div_steps", OpVariance: "variance", OpVarianceBack: "variance_back", OpNext: "next", OpNextBack: "next_back",
	OpNextFlow: "next_flow", OpNextFlowBack: "next_flow_back", OpLast: "last", OpFirst: "first", OpFirstBack: "first_back",
	opColumn: "column", opMatrix: "matrix", opStop: "stop_grad", opBiasGrad: "bias_grad", opInput: "input",
}

func (o Op) String() string { return spell(opNames[:], int(o), "Op") }

func (a Act) String() string {
	return spell([]string{"identity", "relu", "leaky", "tanh"}, int(a), "Act")
}

func (c Class) String() string {
	return spell([]string{"none", "param", "grad", "kept", "saved", "scratch", "row_data", "traj", "traj_data", "scalar"}, int(c), "Class")
}

func (s Space) String() string {
	return spell([]string{"batch", "trajs", "rows", "param"}, int(s), "Space")
}

func spell(names []string, i int, kind string) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}
