// Package gfntest is training gates for a user's own tests: [Gate] trains a job and fails the test unless its policy is as good as the
// checks demand, judged on every state of the world, so that no luck of sampling is involved.
//
//	func TestMyWorld(t *testing.T) {
//		gfntest.Gate(t, job, gfntest.TV(.01), gfntest.LogZ(.02))
//	}
//
// It is for tests alone, on whatever device the job holds; a CPU without a GPU will do. Imported by tests.
package gfntest
