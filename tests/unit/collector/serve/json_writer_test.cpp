#include "collector/serve/json_writer.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>

namespace ballast::serve {
namespace {

TEST(JsonWriterTest, NestedValuesAreSeparated) {
  std::string out;
  JsonWriter json(out);

  json.BeginObject()
      .Key("a")
      .BeginArray()
      .Number(1)
      .Signed(-2)
      .BeginObject()
      .EndObject()
      .EndArray();
  json.Key("b").Real(0.5).Key("c").Bool(true).Key("d").Raw("[null]").EndObject();

  EXPECT_EQ(out, R"({"a":[1,-2,{}],"b":0.5,"c":true,"d":[null]})");
}

TEST(JsonWriterTest, AnyTextIsReadBackByAnotherParser) {
  std::string text = "quote \" backslash \\ tab \t newline \n";
  text += '\0';
  text += "\x1f \xc3\xa4 </script>";
  std::string out;

  JsonWriter(out).Text(text);

  EXPECT_EQ(std::string(boost::json::parse(out).as_string()), text);
}

TEST(JsonWriterTest, ByteThatIsNoUtf8IsReplaced) {
  std::string out;

  JsonWriter(out).Text("a\xff");

  EXPECT_EQ(out, "\"a\xef\xbf\xbd\"");
}

TEST(JsonWriterTest, WhatIsNoJsonNumberHasAName) {
  std::string out;

  JsonWriter(out).BeginArray().Real(INFINITY).Real(-INFINITY).Real(NAN).EndArray();

  EXPECT_EQ(out, R"(["inf","-inf",null])");
}

}  // namespace
}  // namespace ballast::serve
