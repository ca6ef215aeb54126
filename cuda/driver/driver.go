package driver

// A Driver finds NVIDIA devices: the driver's own library, or the simulator.
type Driver interface {
	Name() string             // "libcuda (purego)", "libcuda (gorgonia.org/cu)", "simulator"
	Version() (int, error)    // the newest CUDA the driver knows: 12040 is 12.4
	Devices() ([]Info, error) // in the driver's order
	// Open retains the device's primary context and makes it current on the calling thread, which the caller has locked
	// (runtime.LockOSThread): a Context is used from that thread alone.
	Open(device int) (Context, error)
}

// Info describes a device.
type Info struct {
	Name              string
	Major, Minor      int   // compute capability
	Memory            int64 // bytes
	Multiprocessors   int
	SharedPerBlock    int // bytes, without opting in
	ThreadsPerBlock   int
	ClockKHz          int
	MemoryClockKHz    int
	MemoryBusWidthBit int
	L2                int // bytes
}

// Ptr is an address in device memory.
type Ptr uint64

// Handles of a context; zero is none. Stream 0 is the legacy default stream.
type (
	Module uint64
	Func   uint64
	Stream uint64
	Event  uint64
	Graph  uint64
	Exec   uint64 // an instantiated graph
)

// Dim is a number of blocks or of threads along x, y, z; 0 counts as 1.
type Dim struct{ X, Y, Z int }

// A Context is one device's memory, modules and streams. Calls that take a Stream only enqueue: a host slice they name must stay
// as it is until the stream has been synchronised. Errors are *Error and say the call.
type Context interface {
	Close() error

	MemInfo() (free, total int64, err error)
	Alloc(bytes int64) (Ptr, error) // uninitialised, aligned to 256 bytes
	Free(Ptr) error
	AllocHost(bytes int) ([]byte, error) // page-locked, not moved by Go
	FreeHost([]byte) error

	ToDevice(dst Ptr, src []byte, s Stream) error
	ToHost(dst []byte, src Ptr, s Stream) error
	Copy(dst, src Ptr, bytes int64, s Stream) error
	Fill32(dst Ptr, value uint32, words int64, s Stream) error

	Load(ptx []byte) (Module, error) // the error holds the compiler's log
	Unload(Module) error
	Function(m Module, name string) (Func, error)
	Attributes(f Func) (Attributes, error)
	// Launch runs a kernel whose only parameter is a struct, given as its bytes; they are copied before Launch returns.
	Launch(f Func, grid, block Dim, shared int, s Stream, args []byte) error

	NewStream() (Stream, error) // it and stream 0 do not wait for each other
	FreeStream(Stream) error
	Sync(Stream) error
	NewEvent() (Event, error)
	FreeEvent(Event) error
	Record(Event, Stream) error
	Wait(Stream, Event) error                       // later work on the stream waits for the event
	Elapsed(from, to Event) (ms float64, err error) // after both have happened

	BeginCapture(Stream) error // until EndCapture the stream's work is recorded, not run
	EndCapture(Stream) (Graph, error)
	Instantiate(Graph) (Exec, error)
	FreeGraph(Graph) error
	FreeExec(Exec) error
	Replay(Exec, Stream) error

	// BLAS loads cuBLAS; ErrNoBLAS where there is none.
	BLAS() (BLAS, error)
}

// BLAS is the part of cuBLAS that the fast mode uses. Matrices are row-major with leading dimensions in floats:
// C = op(A) op(B) + beta C, C m x n, inner k.
type BLAS interface {
	Name() string // "libcublas.so.12 12.4"
	// Gemm multiplies count matrices, stride floats apart in each operand (count 1: strides ignored). A stream's first product may
	// allocate device memory, once there is a second stream: such a stream is not captured before it has had one. A captured product
	// goes on using that memory, so its stream outlives the graph.
	Gemm(s Stream, g Gemm) error
	Close() error
}

// Gemm is one product or several of one shape.
type Gemm struct {
	TransA, TransB            bool
	M, N, K                   int
	A, B, C                   Ptr
	LDA, LDB, LDC             int
	Beta                      float32
	Count                     int
	StrideA, StrideB, StrideC int64
	TF32                      bool // tensor cores on inputs rounded to 10 bits; else float32
}

// Attributes of a kernel as the driver compiled it.
type Attributes struct {
	Registers  int // a thread
	LocalBytes int // a thread: spills and stack
	Shared     int // bytes a block, static
	MaxThreads int // a block
}
