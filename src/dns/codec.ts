// The one file that knows dns2. It reads and writes any record type, at 20 µs a message: for tools and tests. Packets of
// strangers never get here before wire/query.ts has looked at them.
import { Packet } from 'dns2';

export { Packet };
