/**
 * Rendered pages, kept for benchmarks in which the simulator's own work must not count. Any change of any call empties it.
 */
export class PageCache {
  constructor(megabytes) {
    this.limit = megabytes * 1e6;
    this.clear();
  }

  clear() {
    this.pages = new Map();
    this.size = 0;
  }

  /** The page {buffer, rows, packed?} of a query, made by `make` when it is not there. */
  page(query, make) {
    if (this.limit === 0) return make();
    let page = this.pages.get(query);
    if (!page) {
      page = make();
      if (this.size + page.buffer.length <= this.limit) {
        this.pages.set(query, page);
        this.size += page.buffer.length;
      }
    }
    return page;
  }
}
