/** Octets in vectors are hexadecimal digits. */
export const octets = (text) => Buffer.from(text, 'hex');
export const hex = (data) => Buffer.from(data).toString('hex');
