// SPDX-License-Identifier: GPL-2.0-or-later
// The half of the catalogue's compiler that reads counters and drop reasons.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace YAML {
class Node;
}

namespace catalog_compiler {

struct Topic {
    std::string where_written, name;
    std::map<std::string, std::string> text;
    std::string kind, scope, harm;
    std::vector<std::string> also, related;
};

// Adds the topics of one file. A complaint leaves as an exception that names file and line.
void read_topics(std::vector<Topic>& topics, const std::string& file, const YAML::Node& root);
// Sorted by name; two with one name are refused.
void sort_topics(std::vector<Topic>& topics);
// The C++ of the table, inside namespace netwright::catalog.
std::string generate_topics(const std::vector<Topic>& topics);

} // namespace catalog_compiler
