package run_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/run"
)

// A preset is trained into a directory, which is judged again from its checkpoint.
func Example() {
	config, name, err := run.Load("hypergrid-8x8", []string{"train.iterations=300", "policy.hidden=[32, 32]"})
	if err != nil {
		log.Fatal(err)
	}
	root, err := os.MkdirTemp("", "runs-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	dir, err := run.Create(filepath.Join(root, name), config)
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close()
	device := cpu.New(cpu.Config{})
	defer device.Close()

	loop := run.Loop{Dir: dir, Config: config, Device: device} // Watch: run.NewBar(os.Stderr, ...) shows how it goes
	trained, err := loop.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	judged, err := run.Judge(dir.Path, device)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("states:", *judged.States, "trajectories:", judged.Trajectories)
	fmt.Println("total variation below .2:", *judged.TV < .2)
	fmt.Println("parameters:", judged.ParamsHash[:16], judged.ParamsHash == trained.ParamsHash)
	// Output:
	// states: 64 trajectories: 9600
	// total variation below .2: true
	// parameters: 9d3ccd44fb40d983 true
}
