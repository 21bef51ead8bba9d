// Dapr's daprd with mDNS name resolution as its only component: the full set takes far longer to
// build, and sidecars that call each other need no more.
package main

import (
	"github.com/dapr/components-contrib/nameresolution/mdns"
	"github.com/dapr/dapr/cmd/daprd/app"
	"github.com/dapr/dapr/pkg/components/nameresolution"
)

func main() {
	nameresolution.DefaultRegistry.RegisterComponent(mdns.NewResolver, "mdns")
	app.Run()
}
