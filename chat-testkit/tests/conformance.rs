//! The memory store passes the suite that it is the model of.

use chat_testkit::conformance::InMemory;

chat_testkit::store_conformance!(InMemory);
