#!/bin/sh
# Builds the dashboard into a folder that nginx serves as it is: dashboard/build.sh FOLDER
# Packages come from node_modules, or from the one that NODE_MODULES names (npm ci --omit=dev --ignore-scripts).
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
target=$(cd "$1" && pwd)
cd "$(dirname "$0")"
modules=${NODE_MODULES:-$(cd .. && pwd)/node_modules}
esbuild=
for program in "$modules"/@esbuild/*/bin/esbuild; do
	[ ! -x "$program" ] || esbuild=$program
done
[ -n "$esbuild" ] || { echo "$0: there is no esbuild in $modules; run: npm ci --ignore-scripts" >&2; exit 1; }

new=$target/assets.new
rm -rf "$new"
# What is loaded later are chunks of their own; names with a hash may be kept by browsers for ever.
NODE_PATH=$modules "$esbuild" src/app.js style/app.css --bundle --splitting --format=esm --minify --target=es2022 \
	--legal-comments=none --entry-names='[name]-[hash]' --chunk-names='[name]-[hash]' --outdir="$new" --log-level=warning
script=$(basename "$new"/app-*.js)
style=$(basename "$new"/app-*.css)
cp icon.svg "$new/icon.svg"
# The licences ask that their texts go along.
for package in preact @preact/signals @preact/signals-core htm uplot; do
	printf '== %s\n\n' "$package"
	cat "$modules/$package"/LICENSE*
	echo
done >"$new/licenses.txt"
sed -e "s#app\\.js#$script#" -e "s#app\\.css#$style#" index.html >"$target/index.html.new"
rm -rf "$target/assets"
mv "$new" "$target/assets"
mv "$target/index.html.new" "$target/index.html"
