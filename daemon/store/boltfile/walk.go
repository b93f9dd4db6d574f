package boltfile

import (
	"bytes"
	"errors"
	"fmt"
)

// maxErrors bounds what is told of a damaged file.
const maxErrors = 5

// Walk visits every entry of the state, bucket by bucket, in the order of the
// keys. Key and value are valid during the visit. The error says what is damaged;
// nil means that bbolt can use the file. What can still be read is visited in any
// case, and may not be what was written: only a checksum of the caller's tells.
func (f *File) Walk(state int, visit func(bucket string, key, value []byte)) error {
	w := &walk{file: f, meta: f.states[state], seen: map[uint64]bool{}, visit: visit}
	if w.meta.end > uint64(f.size/f.pageSize) {
		w.fail("the file ends after %d of %d pages", f.size/f.pageSize, w.meta.end)
	}
	w.tree(w.meta.root, nil, nil, w.bucket)
	w.freelist()
	return w.err()
}

type walk struct {
	file   *File
	meta   meta
	seen   map[uint64]bool // the pages that are in use
	visit  func(bucket string, key, value []byte)
	errs   []string
	failed int
}

func (w *walk) fail(format string, args ...any) {
	if w.failed++; w.failed <= maxErrors {
		w.errs = append(w.errs, fmt.Sprintf(format, args...))
	}
}

func (w *walk) err() error {
	switch w.failed {
	case 0:
		return nil
	case 1:
		return errors.New(w.errs[0])
	}
	return fmt.Errorf("%s, and %d more", w.errs[0], w.failed-1)
}

// page reads a page and notes that it is in use. One that is so already is refused
// before it is read: a damaged file must not be read over and over.
func (w *walk) page(id uint64) (page, bool) {
	p, err := w.file.header(w.meta, id)
	if err != nil {
		w.fail("%v", err)
		return p, false
	}
	for n := id; n < id+p.pages; n++ {
		if w.seen[n] {
			w.fail("page %d is used twice", n)
			return p, false
		}
		w.seen[n] = true
	}
	if err := w.file.load(&p); err != nil {
		w.fail("%v", err)
		return p, false
	}
	return p, true
}

// tree visits the entries below the page id, whose keys must begin with low and end
// before high; nil is no bound.
func (w *walk) tree(id uint64, low, high []byte, leaf func(element)) {
	if p, ok := w.page(id); ok {
		w.entries(p, low, high, leaf)
	}
}

func (w *walk) entries(p page, low, high []byte, leaf func(element)) {
	if p.flags != branchPage && p.flags != leafPage || p.flags == branchPage && p.count == 0 {
		w.fail("page %d is neither branch nor leaf (flags %#x)", p.id, p.flags)
		return
	}
	if low != nil && p.count == 0 {
		w.fail("page %d is empty and not the only one", p.id)
		return
	}
	list := make([]element, 0, min(p.count, len(p.data)/elementSize))
	for i := range p.count {
		e, err := p.element(i)
		if err != nil {
			w.fail("%v", err)
			continue
		}
		// By its first key bbolt finds a page in the branch above, when it puts another
		// in its place.
		switch {
		case i == 0 && low != nil && !bytes.Equal(e.key, low):
			w.fail("page %d does not begin with the key that the page above says", p.id)
		case len(list) > 0 && bytes.Compare(e.key, list[len(list)-1].key) <= 0, high != nil && bytes.Compare(e.key, high) >= 0:
			w.fail("page %d: the key %d is out of order", p.id, i)
		}
		list = append(list, e)
	}
	for i, e := range list {
		if p.flags == leafPage {
			leaf(e)
			continue
		}
		next := high
		if i+1 < len(list) {
			next = list[i+1].key
		}
		w.tree(e.child, e.key, next, leaf)
	}
}

// bucket visits the entries of a top-level bucket.
func (w *walk) bucket(e element) {
	if !e.bucket || len(e.value) < bucketSize {
		w.fail("the entry %q is no bucket", e.key)
		return
	}
	name := string(e.key)
	leaf := func(e element) {
		if e.bucket {
			w.fail("the bucket %q holds another", name)
			return
		}
		w.visit(name, e.key, e.value)
	}
	if root := order.Uint64(e.value); root != 0 {
		w.tree(root, nil, nil, leaf)
		return
	}
	// A small bucket is a page inside the value.
	inner := e.value[bucketSize:]
	if len(inner) < headerSize {
		w.fail("the bucket %q is cut off", name)
		return
	}
	p := page{flags: order.Uint16(inner[8:]), count: int(order.Uint16(inner[10:])), data: inner}
	if p.flags != leafPage {
		w.fail("the bucket %q is no leaf", name)
		return
	}
	w.entries(p, nil, nil, leaf)
}

// freelist checks that no page is both free and in use: bbolt would overwrite it.
func (w *walk) freelist() {
	p, ok := w.page(w.meta.freelist)
	if !ok {
		return
	}
	if p.flags != freelistPage {
		w.fail("page %d is no list of free pages (flags %#x)", p.id, p.flags)
		return
	}
	ids, count := p.data[headerSize:], uint64(p.count)
	if count == 0xFFFF { // too many for the header
		count, ids = order.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		w.fail("the list of free pages is cut off")
		return
	}
	for i := range count {
		switch id := order.Uint64(ids[i*8:]); {
		case id < 2 || id >= w.meta.end:
			w.fail("the free page %d is outside", id)
		case w.seen[id]:
			w.fail("page %d is free and in use", id)
		default:
			w.seen[id] = true
		}
	}
}
