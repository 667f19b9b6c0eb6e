// store.go: keeps values: PUT stores a body under its path, GET gives it back. Beside that a ticker
// and garbage that keeps the collector busy; with `spin`, a goroutine that never calls anything.
// The rule: what is answered comes from the one map, under its lock.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

var stop, turns uint64

func main() {
	if len(os.Args) > 1 && os.Args[1] == "spin" {
		go func() {
			for stop == 0 {
				turns++
			}
		}()
	}
	var lock sync.RWMutex
	values := map[string][]byte{}
	ticks := 0
	go func() {
		for range time.NewTicker(3 * time.Millisecond).C {
			lock.Lock()
			ticks++
			lock.Unlock()
			if ticks%100 == 0 {
				runtime.GC()
			}
		}
	}()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		garbage := make([]string, 0)
		for i := 0; i < 50; i++ {
			garbage = append(garbage, fmt.Sprint(r.URL.Path, i))
		}
		if r.Method == "PUT" {
			lock.Lock()
			values[r.URL.Path] = body
			lock.Unlock()
			fmt.Fprintf(w, "stored %d", len(body))
			return
		}
		lock.RLock()
		value, found := values[r.URL.Path]
		lock.RUnlock()
		if !found {
			w.WriteHeader(404)
			value = []byte("none")
		}
		w.Write(value)
	})
	listener, err := net.Listen("tcp4", ":8000")
	if err != nil {
		panic(err)
	}
	panic(http.Serve(listener, nil))
}
