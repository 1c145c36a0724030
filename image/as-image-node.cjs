// Loaded into npm: it leaves out optional packages whose engines do not fit the Node that runs npm. What counts is the Node in
// the image; without this an older Node on the host builds an image without the native parts that a state migration needs.
Object.defineProperty(process, 'version', { value: `v${process.env.CREEL_IMAGE_NODE}` });
