/** Where a saved state lies: the one that is kept, and the one that is being made. */
export type Shelf = 'a' | 'b';
