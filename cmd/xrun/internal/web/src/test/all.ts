import './state.test.ts';
import './scales.test.ts';
import './box.test.ts';
import './rows.test.ts';
import './copy.test.ts';
import './command.test.ts';
