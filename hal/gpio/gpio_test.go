package gpio

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"callbox/hal"
)

// fakeKernel has chips by their path.
type fakeKernel map[string]*fakeChip

type fakeChip struct {
	name, label string
	lines       []fakeLine
	openErr     error
	infoErr     error
	requestErr  error
	opened      int // and not closed
	asked       *lineRequest
	handle      *fakeHandle
}

type fakeLine struct{ name, consumer string }

func (k fakeKernel) chips() (paths []string, _ error) {
	for _, p := range []string{"/dev/gpiochip0", "/dev/gpiochip1", "/dev/gpiochip4"} {
		if k[p] != nil {
			paths = append(paths, p)
		}
	}
	return paths, nil
}

func (k fakeKernel) open(path string) (chip, error) {
	c := k[path]
	if c.openErr != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: c.openErr}
	}
	c.opened++
	return c, nil
}

func (c *fakeChip) info() (chipInfo, error) {
	i := chipInfo{Lines: uint32(len(c.lines))}
	copy(i.Name[:], c.name)
	copy(i.Label[:], c.label)
	return i, c.infoErr
}

func (c *fakeChip) line(offset uint32) (lineInfo, error) {
	l := c.lines[offset]
	i := lineInfo{Offset: offset}
	copy(i.Name[:], l.name)
	copy(i.Consumer[:], l.consumer)
	if l.consumer != "" {
		i.Flags = flagUsed
	}
	return i, nil
}

func (c *fakeChip) request(r *lineRequest) (handle, error) {
	if c.requestErr != nil {
		return nil, c.requestErr
	}
	c.asked = r
	c.handle = &fakeHandle{edges: make(chan error, 1)}
	return c.handle, nil
}

func (c *fakeChip) close() { c.opened-- }

type fakeHandle struct {
	active bool
	err    error
	edges  chan error
	closed bool
}

func (h *fakeHandle) values(v *lineValues) error {
	if h.active {
		v.Bits = 1
	}
	return h.err
}

func (h *fakeHandle) setValues(v *lineValues) error {
	h.active = v.Bits&v.Mask == 1
	return h.err
}

func (h *fakeHandle) Read(p []byte) (int, error) {
	if err, ok := <-h.edges; ok {
		return eventSize, err
	}
	return 0, os.ErrClosed
}

func (h *fakeHandle) Close() error {
	if h.closed {
		return os.ErrClosed
	}
	h.closed = true
	close(h.edges)
	return nil
}

func board() fakeKernel {
	soc := &fakeChip{name: "gpiochip0", label: "pinctrl-soc", lines: []fakeLine{{"ID_SDA", ""}, {"GPIO1", "spi0 CS0"}, {"BELL", ""}, {"", ""}, {"SHARED", ""}}}
	return fakeKernel{
		"/dev/gpiochip0": soc,
		"/dev/gpiochip1": {name: "gpiochip1", label: "expander", lines: []fakeLine{{"LAMP", "callbox"}, {"SHARED", ""}}},
		"/dev/gpiochip4": soc, // a link, as on the Raspberry Pi 5
	}
}

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		line   hal.GPIO
		change func(fakeKernel)
		want   string // the line, else a part of the error
		is     error
	}{
		"by number":               {hal.GPIO{Chip: "gpiochip0", Line: "2"}, nil, "gpiochip0 line 2 (BELL)", nil},
		"by name":                 {hal.GPIO{Chip: "gpiochip0", Line: "BELL"}, nil, "gpiochip0 line 2 (BELL)", nil},
		"by label":                {hal.GPIO{Chip: "expander", Line: "1"}, nil, "gpiochip1 line 1 (SHARED)", nil},
		"by link":                 {hal.GPIO{Chip: "gpiochip4", Line: "2"}, func(k fakeKernel) { delete(k, "/dev/gpiochip0") }, "gpiochip0 line 2 (BELL)", nil},
		"on any chip":             {hal.GPIO{Line: "BELL"}, nil, "gpiochip0 line 2 (BELL)", nil},
		"without a name":          {hal.GPIO{Chip: "gpiochip0", Line: "3"}, nil, "gpiochip0 line 3", nil},
		"ours already":            {hal.GPIO{Line: "LAMP"}, nil, "gpiochip1 line 0 (LAMP)", nil},
		"on two chips":            {hal.GPIO{Line: "SHARED"}, nil, "gpiochip0 line 4 (SHARED) and gpiochip1 line 1 (SHARED) are both meant; set chip to one of: gpiochip0, gpiochip1", nil},
		"on one of them":          {hal.GPIO{Chip: "gpiochip1", Line: "SHARED"}, nil, "gpiochip1 line 1 (SHARED)", nil},
		"another's":               {hal.GPIO{Chip: "gpiochip0", Line: "1"}, nil, "spi0 CS0", hal.ErrBusy},
		"no such line":            {hal.GPIO{Chip: "gpiochip0", Line: "BEL"}, nil, "no chip that was meant has it", hal.ErrNotFound},
		"a number too high":       {hal.GPIO{Chip: "gpiochip1", Line: "2"}, nil, "no chip that was meant has it", hal.ErrNotFound},
		"no such chip":            {hal.GPIO{Chip: "gpiochip9", Line: "1"}, nil, "set chip to one of: gpiochip0, gpiochip1", hal.ErrNotFound},
		"no chips":                {hal.GPIO{Chip: "gpiochip0", Line: "1"}, func(k fakeKernel) { clear(k) }, "no GPIO chip", hal.ErrNotFound},
		"no permission":           {hal.GPIO{Chip: "expander", Line: "1"}, func(k fakeKernel) { k["/dev/gpiochip1"].openErr = unix.EACCES }, "group gpio", fs.ErrPermission},
		"not allowed by the unit": {hal.GPIO{Chip: "expander", Line: "1"}, func(k fakeKernel) { k["/dev/gpiochip1"].openErr = unix.EPERM }, "DeviceAllow", fs.ErrPermission},
		"an old kernel":           {hal.GPIO{Chip: "expander", Line: "1"}, func(k fakeKernel) { k["/dev/gpiochip1"].infoErr = unix.EINVAL }, "Linux 5.10", nil},
	} {
		t.Run(name, func(t *testing.T) {
			k := board()
			if tt.change != nil {
				tt.change(k)
			}
			got, err := check(k, tt.line)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) || (tt.is != nil && !errors.Is(err, tt.is)) || (err == nil && got != tt.want) {
				t.Errorf("check = %q, %v; want %q, %v", got, err, tt.want, tt.is)
			}
			for path, c := range k {
				if c.opened != 0 || c.asked != nil {
					t.Errorf("%s was left open, or a line of it taken", path)
				}
			}
		})
	}
}

func TestConfigs(t *testing.T) {
	plain, low := hal.GPIO{Chip: "expander", Line: "1"}, hal.GPIO{Chip: "expander", Line: "1", ActiveLow: true}
	up, down, off := plain, plain, plain
	up.Bias, down.Bias, off.Bias = hal.BiasPullUp, hal.BiasPullDown, hal.BiasDisabled
	for name, tt := range map[string]struct {
		config lineConfig
		flags  uint64
		attrs  uint32
	}{
		"input":      {inputConfig(plain, 0), 0x4, 0},
		"edges":      {inputConfig(plain, flagEdgeRising|flagEdgeFalling), 0x34, 0},
		"active low": {inputConfig(low, 0), 0x6, 0},
		"pull-up":    {inputConfig(up, 0), 0x104, 0},
		"pull-down":  {inputConfig(down, 0), 0x204, 0},
		"no pull":    {inputConfig(off, 0), 0x404, 0},
		"output":     {outputConfig(plain), 0x8, 1},
		"output low": {outputConfig(low), 0xa, 1},
	} {
		k := board()
		l, err := take(k, plain, tt.config)
		if err != nil {
			t.Fatal(err)
		}
		r := k["/dev/gpiochip1"].asked
		if r.Config.Flags != tt.flags || r.Config.NumAttrs != tt.attrs || r.NumLines != 1 || r.Offsets[0] != 1 || text(r.Consumer[:]) != "callbox" {
			t.Errorf("%s: request %+v, want flags %#x", name, r, tt.flags)
		}
		if a := r.Config.Attrs[0]; tt.attrs == 1 && (a.Attr.ID != 2 || a.Attr.Value != 0 || a.Mask != 1) {
			t.Errorf("%s: attribute %+v, want the output values to begin with 0", name, a)
		}
		if k["/dev/gpiochip1"].opened != 0 {
			t.Errorf("%s: the chip was left open", name)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLine(t *testing.T) {
	k := board()
	l, err := take(k, hal.GPIO{Line: "BELL"}, outputConfig(hal.GPIO{}))
	if err != nil {
		t.Fatal(err)
	}
	h := k["/dev/gpiochip0"].handle
	for _, on := range []bool{true, false, true} {
		if err := l.Set(on); err != nil || h.active != on {
			t.Errorf("Set(%v): active %v, %v", on, h.active, err)
		}
		if got, err := l.Value(); err != nil || got != on {
			t.Errorf("Value = %v, %v; want %v", got, err, on)
		}
	}
	h.edges <- nil
	if err := l.WaitEdge(); err != nil {
		t.Error(err)
	}
	h.edges <- unix.ENODEV
	if err := l.WaitEdge(); !errors.Is(err, hal.ErrGone) {
		t.Errorf("WaitEdge without the chip = %v, want %v", err, hal.ErrGone)
	}
	h.err = unix.ENODEV
	if _, err := l.Value(); !errors.Is(err, hal.ErrGone) {
		t.Errorf("Value without the chip = %v, want %v", err, hal.ErrGone)
	}
	if err := l.Set(true); !errors.Is(err, hal.ErrGone) {
		t.Errorf("Set without the chip = %v, want %v", err, hal.ErrGone)
	}
	woken := make(chan error, 1)
	go func() { woken <- l.WaitEdge() }()
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	select {
	case err := <-woken:
		if !errors.Is(err, io.EOF) {
			t.Errorf("WaitEdge after Close = %v, want %v", err, io.EOF)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close did not wake WaitEdge")
	}
}

func TestTakeErrors(t *testing.T) {
	for errno, want := range map[error]string{unix.EBUSY: "spi0 CS0", unix.ENXIO: "no interrupts", unix.EIO: "input/output"} {
		k := board()
		k["/dev/gpiochip0"].requestErr = errno
		_, err := take(k, hal.GPIO{Line: "GPIO1"}, inputConfig(hal.GPIO{}, 0))
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, hal.ErrBusy) != errors.Is(errno, unix.EBUSY) {
			t.Errorf("%v gives %v, want %q in it", errno, err, want)
		}
		if k["/dev/gpiochip0"].opened != 0 {
			t.Errorf("%v: the chip was left open", errno)
		}
	}
}

// TestNoChips asks the real kernel, which on most machines has none.
func TestNoChips(t *testing.T) {
	if _, err := Input(hal.GPIO{Chip: "no such chip", Line: "1"}); err == nil {
		t.Error("a line of a chip that cannot exist was taken")
	}
}

// TestLayouts compares the structs with what a C program prints for linux/gpio.h
// (Linux 6.1), which is the same on all architectures.
func TestLayouts(t *testing.T) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "abi.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("gpio", set, []*ast.File{onlyStructs(file)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		sizes := types.SizesFor("gc", arch)
		for name, tt := range map[string]struct {
			size    int64
			offsets map[string]int64
		}{
			"chipInfo":            {68, map[string]int64{"Lines": 64}},
			"lineInfo":            {256, map[string]int64{"Offset": 64, "Flags": 72, "Attrs": 80}},
			"lineRequest":         {592, map[string]int64{"Consumer": 256, "Config": 288, "NumLines": 560, "FD": 588}},
			"lineConfig":          {272, map[string]int64{"NumAttrs": 8, "Attrs": 32}},
			"lineAttribute":       {16, nil},
			"lineConfigAttribute": {24, nil},
			"lineValues":          {16, nil},
		} {
			s := pkg.Scope().Lookup(name).Type().Underlying().(*types.Struct)
			if got := sizes.Sizeof(s); got != tt.size {
				t.Errorf("%s: sizeof %s = %d, want %d", arch, name, got, tt.size)
			}
			var fields []*types.Var
			for f := range s.Fields() {
				fields = append(fields, f)
			}
			for i, offset := range sizes.Offsetsof(fields) {
				if want, ok := tt.offsets[fields[i].Name()]; ok && offset != want {
					t.Errorf("%s: %s.%s is at %d, want %d", arch, name, fields[i].Name(), offset, want)
				}
			}
		}
	}
	for name, tt := range map[string][2]uintptr{
		"CHIPINFO": {getChipInfo, 0x8044b401}, "LINEINFO": {getLineInfo, 0xc100b405}, "LINE": {getLine, 0xc250b407},
		"GET_VALUES": {getValues, 0xc010b40e}, "SET_VALUES": {setValues, 0xc010b40f},
	} {
		if tt[0] != tt[1] {
			t.Errorf("%s = %#x, want %#x", name, tt[0], tt[1])
		}
	}
}

// onlyStructs keeps the struct types of a file.
func onlyStructs(f *ast.File) *ast.File {
	var keep []ast.Decl
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE {
			keep = append(keep, g)
		}
	}
	f.Decls = keep
	return f
}
