import { createRequire } from "node:module";

/**
 * The packages. `import` finds them only beside these scripts; `require` also where NODE_PATH points, and the tests keep them in a cache of
 * the user. Nothing may import one in the other way: a second copy of `graphql` takes no schema of the first.
 */
export const require = createRequire(import.meta.url);
