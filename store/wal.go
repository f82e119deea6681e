package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// The log of a database is the file -wal beside it. Its format is at https://sqlite.org/fileformat2.html#walformat: a
// header of 32 bytes, then frames of 24 bytes and a page. SQLite reads every log whose checksums hold, whether it
// belongs to the database or not, and reads no frame behind a damaged one, without a word. So both are looked at here.
const (
	walHeaderSize   = 32
	walFrameSize    = 24  // without its page
	dbHeaderSize    = 100 // of the database, at the start of its first page
	walMagic        = 0x377f0682
	foldPatience    = 2 * time.Second // that a fold waits for readers; what they still read stays in the log
	foldPatienceSQL = `PRAGMA busy_timeout = 2000`
	usualBusySQL    = `PRAGMA busy_timeout = 10000`
)

func walPath(path string) string { return path + "-wal" }

// A dbHeader is what the first page of a database says about it.
type dbHeader struct {
	raw                           [dbHeaderSize]byte
	writeVersion                  byte
	pageSize                      int
	counter, pages, schemaVersion uint32
}

func parseHeader(raw []byte) (h dbHeader, ok bool) {
	if len(raw) < dbHeaderSize || !bytes.HasPrefix(raw, []byte("SQLite format 3\x00")) {
		return h, false
	}
	copy(h.raw[:], raw)
	h.writeVersion = raw[18]
	if h.pageSize = int(binary.BigEndian.Uint16(raw[16:])); h.pageSize == 1 {
		h.pageSize = 1 << 16
	}
	h.counter, h.pages, h.schemaVersion = binary.BigEndian.Uint32(raw[24:]), binary.BigEndian.Uint32(raw[28:]), binary.BigEndian.Uint32(raw[40:])
	return h, true
}

// opened counts the Stores of this process by path. Where the kernel has no locks of open file descriptions, reading a
// file here would release the locks that SQLite has on it.
var opened = struct {
	sync.Mutex
	paths map[string]int
}{paths: map[string]int{}}

func countOpen(path string, by int) {
	opened.Lock()
	defer opened.Unlock()
	if opened.paths[path] += by; opened.paths[path] <= 0 {
		delete(opened.paths, path)
	}
}

func isOpen(path string) bool {
	opened.Lock()
	defer opened.Unlock()
	return opened.paths[path] > 0
}

// verifyLog refuses a database beside the log of another one: SQLite would read the pages of that one in the place of
// its own, and write them into it.
func verifyLog(path string) error {
	if isOpen(path) {
		return nil
	}
	// A process that writes may change both files between two looks at them. A log that belongs to another file goes on
	// to do so.
	for range 3 {
		reason, err := foreignLog(path)
		if err != nil || reason == "" {
			return err
		}
		time.Sleep(20 * time.Millisecond)
		if again, err := foreignLog(path); err != nil || again == reason {
			return errors.Join(err, &foreignLogError{Path: path, Reason: reason})
		}
	}
	return nil // it is being written
}

// foreignLog says how a log shows that it belongs to another database; empty if it shows nothing.
//
// A log begins with the state of the file, so the first image of page 1 in it continues the file's: the next change
// counter (or the same, if one connection went on), and no older schema. Later images are in the file once pages were
// moved there. Without an image of page 1 no page was added or freed, so the size is the same and so is the kind of
// every page. An owner that registers, or has folded a log, writes page 1, so that there nearly always is an image.
func foreignLog(path string) (reason string, err error) {
	w, err := openLog(path)
	if errors.Is(err, errNoLog) {
		return "", nil // SQLite reads none of it
	}
	if err != nil || w == nil {
		return "", err
	}
	defer w.close()
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw := make([]byte, dbHeaderSize)
	n, err := f.ReadAt(raw, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	file, ok := parseHeader(raw[:n])
	var first dbHeader
	var pages uint32 // at the last commit
	images, committed := 0, false
	kinds := 0 // pages whose kind differs, before the first image
	for n := 0; ; n++ {
		frame, err := w.frame(n)
		if err != nil || !frame.current {
			break
		}
		if images == 0 && frame.page > 1 && kinds == 0 && isTree(frame.head[0]) {
			kind := make([]byte, 1)
			if _, err := f.ReadAt(kind, int64(frame.page-1)*int64(w.pageSize)); err == nil && isTree(kind[0]) && kind[0] != frame.head[0] {
				kinds++
			}
		}
		if frame.page == 1 {
			image, is := parseHeader(frame.head)
			if !is {
				break
			}
			if ok && image.raw == file.raw {
				return "", nil
			}
			if images++; images == 1 {
				first = image
			}
		}
		if frame.commit > 0 {
			pages, committed = frame.commit, true
		}
	}
	switch {
	case !committed:
		return "", nil // nothing that SQLite would read
	case !ok:
		return "the file is no database", nil
	case file.writeVersion != 2:
		return "the database was written without a log", nil
	case file.pageSize != w.pageSize:
		return fmt.Sprintf("the database has pages of %d bytes, and the log of %d", file.pageSize, w.pageSize), nil
	case images == 0 && pages != file.pages:
		return fmt.Sprintf("the database has %d pages, and the log begins with %d", file.pages, pages), nil
	case images == 0 && kinds > 0:
		return "pages of the log are of another kind than those of the database", nil
	case images == 0:
		return "", nil
	case first.schemaVersion < file.schemaVersion:
		return fmt.Sprintf("the log begins with version %d of the tables, and the database has version %d", first.schemaVersion, file.schemaVersion), nil
	case file.counter != first.counter && file.counter+1 != first.counter:
		return fmt.Sprintf("the log continues change %d, and the last change of the database is %d", first.counter-1, file.counter), nil
	}
	return "", nil
}

// isTree reports whether a page that begins with this byte is a part of a table or of an index.
func isTree(kind byte) bool { return kind == 2 || kind == 5 || kind == 10 || kind == 13 }

// A logFile is an open log.
type logFile struct {
	file     *os.File
	header   [walHeaderSize]byte
	pageSize int
	order    binary.ByteOrder // of checksums
	size     int64
	buffer   []byte
}

// A logFrame is a frame of a log.
type logFrame struct {
	page, commit uint32 // commit is the size of the database in pages at a commit, otherwise 0
	current      bool   // it belongs to the present contents of the log, not to earlier ones
	header       []byte // as written; valid until the next frame, as is head
	head         []byte // the first bytes of the page
}

// openLog opens the log of a database; nil if there is none, if it is empty, or if SQLite would not read it as it does not
// begin like a log, which is an errNoLog.
func openLog(path string) (*logFile, error) {
	f, err := os.Open(walPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	w := &logFile{file: f, order: binary.LittleEndian}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w.size = info.Size()
	if _, err := f.ReadAt(w.header[:], 0); err != nil {
		return nil, f.Close() // empty
	}
	magic := binary.BigEndian.Uint32(w.header[:])
	w.pageSize = int(binary.BigEndian.Uint32(w.header[8:]))
	if magic&^1 != walMagic || w.pageSize < 512 || w.pageSize > 1<<16 || w.pageSize&(w.pageSize-1) != 0 {
		zeros, err := onlyZeros(f)
		if err = errors.Join(err, f.Close()); err != nil || zeros {
			return nil, err // a file that had grown before its data reached the disk
		}
		return nil, errNoLog
	}
	if magic&1 == 1 {
		w.order = binary.BigEndian
	}
	w.buffer = make([]byte, walFrameSize+w.pageSize)
	return w, nil
}

// errNoLog says that a log has contents, and does not begin as logs do.
var errNoLog = errors.New("the log does not begin as logs do")

func onlyZeros(r io.Reader) (bool, error) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := r.Read(buffer)
		if len(bytes.Trim(buffer[:n], "\x00")) > 0 {
			return false, nil
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

func (w *logFile) close() error { return w.file.Close() }

// frame reads the start of frame n, from 0. The error is io.EOF behind the last whole one.
func (w *logFile) frame(n int) (f logFrame, err error) {
	at := walHeaderSize + int64(n)*int64(walFrameSize+w.pageSize)
	if at+int64(walFrameSize+w.pageSize) > w.size {
		return f, io.EOF
	}
	head := w.buffer[:walFrameSize+dbHeaderSize]
	if _, err := w.file.ReadAt(head, at); err != nil {
		return f, err
	}
	return w.parse(head), nil
}

func (w *logFile) parse(raw []byte) logFrame {
	return logFrame{page: binary.BigEndian.Uint32(raw), commit: binary.BigEndian.Uint32(raw[4:]),
		current: bytes.Equal(raw[8:16], w.header[16:24]), header: raw[:walFrameSize], head: raw[walFrameSize:]}
}

// sum continues SQLite's checksum over data, whose length is a multiple of 8.
func (w *logFile) sum(s0, s1 uint32, data []byte) (uint32, uint32) {
	for ; len(data) >= 8; data = data[8:] {
		s0 += w.order.Uint32(data) + s1
		s1 += w.order.Uint32(data[4:]) + s0
	}
	return s0, s1
}

// A logDamage is a place in a log behind which SQLite reads nothing, although there are whole transactions.
type logDamage struct {
	Frame        int // from 1; 0 is the header
	Frames       int // behind it, which still hold
	Transactions int
}

func (d *logDamage) String() string {
	if d.Frame == 0 {
		return "the header of the log is damaged: no program reads it, and results in it are lost"
	}
	return fmt.Sprintf("frame %d of the log is damaged: no program reads the %d transactions in the %d frames behind it, so results may be lost",
		d.Frame, d.Transactions, d.Frames)
}

// damagedLog looks for damage in the log of a database; nil without any. What a process leaves behind that dies while
// it writes is none: no transaction ends behind it.
func damagedLog(path string) (*logDamage, error) {
	w, err := openLog(path)
	if errors.Is(err, errNoLog) {
		return &logDamage{}, nil
	}
	if err != nil || w == nil {
		return nil, err
	}
	defer w.close()
	s0, s1 := w.sum(0, 0, w.header[:24])
	if s0 != binary.BigEndian.Uint32(w.header[24:]) || s1 != binary.BigEndian.Uint32(w.header[28:]) {
		return &logDamage{}, nil
	}
	var d *logDamage
	in := io.NewSectionReader(w.file, walHeaderSize, w.size-walHeaderSize)
	behind := 0 // frames that hold on from the frame before, since the last commit
	for n := 1; ; n++ {
		if _, err := io.ReadFull(in, w.buffer); err != nil {
			break // the end, or a part of a frame
		}
		// A frame that belongs to earlier contents ends the log, as a damaged one does: only those behind it tell them apart.
		f := w.parse(w.buffer)
		s0, s1 = w.sum(s0, s1, f.header[:8])
		s0, s1 = w.sum(s0, s1, f.head)
		holds := f.current && s0 == binary.BigEndian.Uint32(f.header[16:]) && s1 == binary.BigEndian.Uint32(f.header[20:])
		s0, s1 = binary.BigEndian.Uint32(f.header[16:]), binary.BigEndian.Uint32(f.header[20:])
		switch {
		case !holds && d == nil:
			d = &logDamage{Frame: n}
		case holds && d != nil:
			behind++
			if f.commit > 0 {
				d.Transactions++
				d.Frames, behind = d.Frames+behind, 0
			}
		}
	}
	if d == nil || d.Transactions == 0 {
		return nil, nil
	}
	return d, nil
}

// beginLog writes page 1, by which a log is told from that of another database.
func beginLog(_ context.Context, tx *tx) error {
	_, err := tx.exec(fmt.Sprintf(`PRAGMA user_version = %d`, latestSchema))
	return err
}

// scatterCounter gives a new database that nobody has opened a change counter of its own. SQLite counts from 1, so that a
// log would seem to continue any other database with as many changes. The counter may wrap.
func scatterCounter(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	raw := make([]byte, dbHeaderSize)
	_, err = f.ReadAt(raw, 0)
	if _, ok := parseHeader(raw); err == nil && ok {
		counter := make([]byte, 4)
		rand.Read(counter)
		_, err = f.WriteAt(counter, 24)
		if err == nil { // the counter for which the size in the header holds
			_, err = f.WriteAt(counter, 92)
		}
		err = errors.Join(err, f.Sync())
	}
	return errors.Join(err, f.Close())
}

// fold moves everything in the log into the file and empties the log. Other connections may stay open. What a reader is
// still reading stays in the log, without an error, and so does everything if the disk is full.
//
// The connection then forgets its pages. Otherwise its next log would have the change counter of the one before, and seem
// to continue a copy that was made before this process began.
func fold(tx *tx) error {
	ctx := context.Background()
	if _, err := tx.conn.ExecContext(ctx, foldPatienceSQL); err != nil {
		return err
	}
	var busy, frames, moved int
	err := tx.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved)
	_, again := tx.conn.ExecContext(ctx, usualBusySQL)
	if isBusy(err) || isFull(err) {
		err = nil
	}
	_, forgotten := tx.conn.ExecContext(ctx, `PRAGMA shrink_memory`)
	return errors.Join(err, again, forgotten)
}

// keepDamagedLog copies a damaged log aside before it is folded, so that what it still has is not lost for good. It
// returns the name of the copy; empty if the log is whole.
func keepDamagedLog(path string) (string, *logDamage, error) {
	d, err := damagedLog(path)
	if err != nil || d == nil {
		return "", nil, err
	}
	to := fmt.Sprintf("%s.damaged-%s", walPath(path), time.Now().UTC().Format("20060102-150405"))
	return to, d, copyFile(walPath(path), to)
}

// unfolded reports whether results are in the log that nobody will fold in: no living process has the file open for writing.
func unfolded(path string) bool {
	info, err := os.Stat(walPath(path))
	if err != nil || info.Size() == 0 || isOpen(path) {
		return false
	}
	id, err := inspect(context.Background(), path)
	return err == nil && !id.empty() && !id.inUse
}

// tidy has SQLite fold and remove the log, if this process was the last one that had the database open: a connection
// that only reads cannot. file is the database as it was opened. tidy changes no result, so it is silent where it may not write. A damaged log stays.
func tidy(path string, file os.FileInfo) {
	now, err := os.Stat(path)
	if err != nil || file == nil || !os.SameFile(now, file) || isOpen(path) {
		return
	}
	info, err := os.Stat(walPath(path))
	if err != nil || verifyLog(path) != nil {
		return
	}
	if info.Size() > 0 {
		if d, err := damagedLog(path); err != nil || d != nil {
			return
		}
	}
	db, err := openPool(path, tidySettings, 1)
	if err != nil {
		return
	}
	defer db.Close()
	var n int
	db.QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&n) // SQLite opens the log with the first statement
}
