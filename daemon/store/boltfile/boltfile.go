// Package boltfile reads the file of a bbolt database without bbolt, and finds out
// whether it is sound.
//
// bbolt trusts its file: it reads it through a memory map, and a page that makes no
// sense ends in a panic, in places in a goroutine of its own, where nobody can
// recover it. This package looks at every page that bbolt would use, with bounds
// checks, before bbolt sees the file; and it reads what is left of a damaged one.
//
// It knows format 2, the only one since 2014, with top-level buckets alone. Sizes
// are in bytes; numbers are in the byte order of the machine, as bbolt's are.
package boltfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// Errors.
var (
	// ErrNoState means that neither of the two descriptions of a state is whole.
	ErrNoState = errors.New("it is no bbolt database, or both its meta pages are damaged")
	// ErrFormat means that a newer bbolt wrote the file.
	ErrFormat = errors.New("it has a newer format of bbolt's")
)

const (
	magic  = 0xED0CDAED
	format = 2

	headerSize  = 16 // id u64, flags u16, count u16, overflow u32
	metaSize    = 64
	elementSize = 16
	bucketSize  = 16 // root u64, sequence u64

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01
)

var order = binary.NativeEndian

// File is an open file. It belongs to one goroutine.
type File struct {
	r        io.ReaderAt
	size     int64
	pageSize int64
	states   []meta // the newest first
}

// meta describes one state of the database: that after one transaction.
type meta struct {
	root, freelist, end, tx uint64 // page numbers; end is that after the last
}

// Open reads the two descriptions. Errors: ErrNoState, ErrFormat, or of r.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	var first error
	// The second description is one page after the first, and only the first says
	// how large a page is: when it is damaged, each size is tried.
	tries := []int64{0}
	for page := int64(1 << 10); page <= 1<<16; page <<= 1 {
		tries = append(tries, page)
	}
	for _, at := range tries {
		if len(f.states) > 0 && at != 0 && at != f.pageSize {
			continue
		}
		m, page, err := f.meta(at)
		if err != nil {
			if at == 0 || errors.Is(err, ErrFormat) {
				first = errors.Join(first, err)
			}
			continue
		}
		if at != 0 && at != page {
			continue
		}
		f.pageSize = page
		f.states = append(f.states, m)
	}
	switch {
	case len(f.states) == 0 && errors.Is(first, ErrFormat):
		return nil, ErrFormat
	case len(f.states) == 0:
		return nil, fmt.Errorf("%w (%w)", ErrNoState, first)
	}
	if len(f.states) == 2 && f.states[1].tx > f.states[0].tx {
		f.states[0], f.states[1] = f.states[1], f.states[0]
	}
	return f, nil
}

// States is how many states can be tried: 1 or 2. The state 0 is the newest, that
// which bbolt would use; 1 is that before the last transaction.
func (f *File) States() int { return len(f.states) }

// meta reads the description in the page at the offset at.
func (f *File) meta(at int64) (m meta, pageSize int64, err error) {
	var b [headerSize + metaSize]byte
	if at+int64(len(b)) > f.size {
		return m, 0, errors.New("the file is too short")
	}
	if _, err := f.r.ReadAt(b[:], at); err != nil {
		return m, 0, err
	}
	p := b[headerSize:]
	if order.Uint32(p) != magic {
		return m, 0, errors.New("it does not begin as a database does")
	}
	switch v := order.Uint32(p[4:]); {
	case v > format && v < format+100:
		return m, 0, ErrFormat
	case v != format:
		return m, 0, fmt.Errorf("its format is %d", v)
	}
	sum := fnv.New64a()
	sum.Write(p[:56])
	if sum.Sum64() != order.Uint64(p[56:]) {
		return m, 0, errors.New("a meta page has a wrong checksum")
	}
	pageSize = int64(order.Uint32(p[8:]))
	if pageSize < 1<<10 || pageSize > 1<<16 || pageSize&(pageSize-1) != 0 {
		return m, 0, fmt.Errorf("its pages have %d bytes", pageSize)
	}
	m = meta{root: order.Uint64(p[16:]), freelist: order.Uint64(p[32:]), end: order.Uint64(p[40:]), tx: order.Uint64(p[48:])}
	return m, pageSize, nil
}

// page is one page with what overflows it.
type page struct {
	id    uint64
	pages uint64 // 1 and those of the overflow
	flags uint16
	count int
	data  []byte // the header, too; nil until load
}

// header reads what a page says of itself. It must lie inside the state and the
// file.
func (f *File) header(m meta, id uint64) (page, error) {
	inFile := uint64(f.size / f.pageSize)
	if id < 2 || id >= m.end || id >= inFile {
		return page{}, fmt.Errorf("page %d is outside", id)
	}
	var h [headerSize]byte
	if _, err := f.r.ReadAt(h[:], int64(id)*f.pageSize); err != nil {
		return page{}, fmt.Errorf("page %d: %w", id, err)
	}
	p := page{id: id, pages: 1 + uint64(order.Uint32(h[12:])), flags: order.Uint16(h[8:]), count: int(order.Uint16(h[10:]))}
	if says := order.Uint64(h[:]); says != id {
		return page{}, fmt.Errorf("page %d says that it is page %d", id, says)
	}
	if id+p.pages > m.end || id+p.pages > inFile {
		return page{}, fmt.Errorf("page %d goes on outside", id)
	}
	return p, nil
}

// load reads the whole page.
func (f *File) load(p *page) error {
	p.data = make([]byte, int64(p.pages)*f.pageSize)
	if _, err := f.r.ReadAt(p.data, int64(p.id)*f.pageSize); err != nil {
		return fmt.Errorf("page %d: %w", p.id, err)
	}
	return nil
}

// element is an entry of a branch or leaf page.
type element struct {
	bucket     bool
	child      uint64 // of a branch
	key, value []byte
}

// element reads the entry i.
func (p page) element(i int) (e element, err error) {
	at := headerSize + i*elementSize
	if at+elementSize > len(p.data) {
		return e, fmt.Errorf("page %d is too short for %d entries", p.id, p.count)
	}
	h := p.data[at:]
	var pos, keyLen, valueLen uint64
	if p.flags == branchPage {
		pos, keyLen = uint64(order.Uint32(h)), uint64(order.Uint32(h[4:]))
		e.child = order.Uint64(h[8:])
	} else {
		e.bucket = order.Uint32(h)&bucketFlag != 0
		pos, keyLen, valueLen = uint64(order.Uint32(h[4:])), uint64(order.Uint32(h[8:])), uint64(order.Uint32(h[12:]))
	}
	from := uint64(at) + pos
	if pos < elementSize || keyLen == 0 || from+keyLen+valueLen > uint64(len(p.data)) {
		return e, fmt.Errorf("page %d: the entry %d lies outside", p.id, i)
	}
	e.key = p.data[from : from+keyLen : from+keyLen]
	e.value = p.data[from+keyLen : from+keyLen+valueLen : from+keyLen+valueLen]
	return e, nil
}
